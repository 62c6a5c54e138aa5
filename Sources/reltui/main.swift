// reltui
