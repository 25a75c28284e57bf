"""From a SkillSpec to a skill's text, by Mako templates whose substitutions know Python's lexical contexts."""

from generator.rendering.errors import ContextError, RenderError, TemplateError
from generator.rendering.skill import render, template_sources

__all__ = ["ContextError", "RenderError", "TemplateError", "render", "template_sources"]
