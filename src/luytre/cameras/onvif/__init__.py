"""Speaking to cameras by ONVIF: finding, describing, steering, listening (design/onvif.md)."""
