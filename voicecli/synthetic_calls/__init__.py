"""Labelled calls made from scripts: written or generated, spoken by voices or cut from clips."""
