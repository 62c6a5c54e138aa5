// ErlangTerm
