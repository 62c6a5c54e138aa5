// HomeFormat
