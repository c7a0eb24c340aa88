"""Trials trained again: confirmation, audit, reproduction."""
