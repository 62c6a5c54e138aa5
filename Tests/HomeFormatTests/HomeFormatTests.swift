// HomeFormatTests
