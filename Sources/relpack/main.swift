// relpack
