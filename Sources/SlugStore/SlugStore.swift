// SlugStore
