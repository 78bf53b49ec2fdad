/**
 * The reader of standard output may go away before it is over ("| head"). Nothing is left to do or to say then: the
 * process ends with the status a shell shows for a program that SIGPIPE ends. Node.js ignores that signal,
 * so this module imitates it.
 */
const STATUS_READER_GONE = 141;
const STATUS_FAILED = 1;

let isOutlived = false;

/** For programs that serve others: when the reader has gone their output is lost from now on, and they go on. */
export function outliveReader(): void {
  isOutlived = true;
}

/** Call it once, before anything is written. @param onLost called for another reason that keeps output from being written: a full disk */
export function endWhenReaderGoes(onLost: (error: Error) => void): void {
  let isOver = false;
  const onError = (error: NodeJS.ErrnoException): void => {
    if (isOutlived || isOver) return;
    isOver = true;
    const status = error.code === "EPIPE" ? STATUS_READER_GONE : STATUS_FAILED;
    if (status === STATUS_FAILED) onLost(error);
    // Code that is cancelled now reports it, but a program that a signal ended would be silent.
    process.stderr.write = () => true;
    // Code with something to clean up listens to SIGTERM; its exit status is not the one wanted here.
    if (process.listenerCount("SIGTERM") === 0) process.exit(status);
    process.on("exit", () => (process.exitCode = status));
    process.emit("SIGTERM");
  };
  process.stdout.on("error", onError);
  process.stderr.on("error", onError);
}
