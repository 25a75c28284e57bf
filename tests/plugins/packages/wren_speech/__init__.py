from transformers import AutoConfig, AutoModel, AutoModelForAudioClassification, AutoModelForCTC

from wren_speech.model import WrenConfig, WrenForAudioClassification, WrenForCTC, WrenModel

AutoConfig.register("wren", WrenConfig)
AutoModel.register(WrenConfig, WrenModel)
AutoModelForCTC.register(WrenConfig, WrenForCTC)
AutoModelForAudioClassification.register(WrenConfig, WrenForAudioClassification)
