"""This package shows people how a training goes: its time, its curves, its films, and a page that has them all."""
