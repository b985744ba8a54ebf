"""Start-up: what a user waits for before anything is computed."""


class Import:
    """A new process that imports the package, and one that reads the first noun of its face."""

    timeout = 60

    def timeraw_package(self) -> str:
        return "import ohmlearn"

    def timeraw_network(self) -> str:
        return "import ohmlearn; ohmlearn.Network.from_edges([(0, 1), (1, 2)])"
