"""What the daily check of health looks at, and how it is judged."""
