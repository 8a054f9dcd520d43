"""The benchmark against peers; run.py is its command line, README.md says what is measured and how."""
