"""Several processes that answer simulators on one port, with one page and one /metrics, for `--workers N`.

The first process accepts connections, checks requests and has the page, the recordings and all counts. It hands each
simulator's connection to a worker. The worker makes the answers, and reports each one after it has sent it.
"""
