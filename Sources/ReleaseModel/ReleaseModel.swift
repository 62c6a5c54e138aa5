// ReleaseModel
