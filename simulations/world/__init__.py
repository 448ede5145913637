"""Where contacts come from: mobility models and static graphs. Needs the extra ``sim``."""
