// ErlangTermTests
