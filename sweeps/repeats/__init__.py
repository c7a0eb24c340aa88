"""Trials that are trained again: confirmation, audit, reproduction."""
