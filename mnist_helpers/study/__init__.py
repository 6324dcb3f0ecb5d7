"""The study behind the lessons: its plan, its runs, and what they show."""
