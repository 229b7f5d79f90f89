"""Data sets of records: an image and its labels by column name, in WebDataset shards or Hugging Face data sets."""
