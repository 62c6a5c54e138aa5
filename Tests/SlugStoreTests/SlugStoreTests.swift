// SlugStoreTests
