/// Where programs run that work for the supervisor, and what PATH they get.
///
/// Never in the job's directory, nor in the caller's: another user may write there, and a program loads
/// files from where it runs (Python imports from there first).
package enum HelperPlace {
    package static let directory = "/"
    package static let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
}
