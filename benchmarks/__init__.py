"""How fast the road is, and what measures it; nothing of it is installed or shipped."""
