"""How fast each network of the study is on each engine of this machine; every library has a process of its own."""
