// InstanceTests
