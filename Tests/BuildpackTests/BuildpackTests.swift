// BuildpackTests
