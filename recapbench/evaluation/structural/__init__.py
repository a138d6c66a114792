"""SSIM in every window and data range of the field."""
