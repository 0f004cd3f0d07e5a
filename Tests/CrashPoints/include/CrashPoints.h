/// Kills the process that it is preloaded into (LD_PRELOAD) at a system call that changes a file, or lets
/// such calls fail.
///
/// It stands outside of the program under test: nothing that ships has a hook, and no way of writing a
/// file goes round it. Only files below `CRASHPOINTS_FOLDER` (absolute, without a slash at its end) are
/// looked at; calls are counted from 1: creating, writing, cutting, synchronizing, renaming and removing
/// a file, and synchronizing a folder.
///
/// - `CRASHPOINTS_AT=n` dies by SIGKILL before call n; a write has then written half of its bytes.
/// - `CRASHPOINTS_POWER=1` takes with it what a power cut may take: bytes that were not synchronized, and
///   names made or replaced in a folder that was not.
/// - `CRASHPOINTS_ERROR=e` lets call n and all writing calls after it fail with error number e instead.
/// - `CRASHPOINTS_LOG=file` appends the kind of each call, a line each.
