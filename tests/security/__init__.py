"""Rights and the web: what may not happen over HTTP."""
