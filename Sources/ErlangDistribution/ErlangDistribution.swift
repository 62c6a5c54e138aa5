// ErlangDistribution
