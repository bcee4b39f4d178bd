/// Text on its way into a C string: C ends it at the first NUL, and the daemon takes no more than 4 MiB.
///
/// A name that is cut is the name of another VM.
func checkText(_ text: String, _ what: String, for operation: String) throws(LibvirtError) {
  let longest = 4 << 20  // REMOTE_STRING_MAX in libvirt's protocol, which the headers do not show
  guard text.utf8.count < longest else {
    throw .invalidArgument(operation, "the \(what) is longer than the 4 MiB that libvirt accepts")
  }
  guard !text.utf8.contains(0) else {
    throw .invalidArgument(operation, "the \(what) contains a NUL character")
  }
}
