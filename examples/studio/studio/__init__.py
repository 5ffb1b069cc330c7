"""Studio: a small service that makes images and audio from prompts."""
