// ReleaseModelTests
