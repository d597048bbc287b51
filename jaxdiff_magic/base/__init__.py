"""What every room may use: errors, progress, copies, units; it knows nothing of derivatives."""
