"""What quantization costs in accuracy, on tasks with real data: see quantized_accuracy.py."""
