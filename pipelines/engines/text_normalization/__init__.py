"""Texts as they are read aloud: numbers, dates, prices and abbreviations in words."""
