"""Start-up: what a user waits for before anything is computed."""


class Import:
    """A new process that imports the package, and one that reads the first noun of its face."""

    timeout = 60

    def timeraw_package(self) -> str:
        return "import ohmlearn"

    def timeraw_network(self) -> str:
        return "import ohmlearn; ohmlearn.Network.from_edges([(0, 1), (1, 2)])"

    def timeraw_first_training(self) -> str:
        """With kernels that were compiled before."""
        return ("import ohmlearn as ol; net = ol.Network.packing(64, seed=1); "
                "ol.train(net, ol.Task.allosteric(net, 10, 3, seed=0), 1.0)")
