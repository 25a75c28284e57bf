"""What lets optional libraries be imported beside the torch that is installed; imports neither."""
