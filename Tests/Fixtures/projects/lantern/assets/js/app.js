light("one");
