/**
 * Whoever reads standard output may go away before it is over ("| head"). Nothing is left to be done then, and nothing is
 * to be said: the process ends with the status a shell shows for a program that SIGPIPE ends. Node.js ignores that signal,
 * so it is played here.
 */
const STATUS_READER_GONE = 141;
const STATUS_FAILED = 1;

let isOutlived = false;

/** For programs that serve others: what they print is lost from now on when nobody reads it, and they go on. */
export function outliveReader(): void {
  isOutlived = true;
}

/** To be called once, before anything is written. @param onLost what else keeps output from being written: a full disk */
export function endWhenReaderGoes(onLost: (error: Error) => void): void {
  let isOver = false;
  const onError = (error: NodeJS.ErrnoException): void => {
    if (isOutlived || isOver) return;
    isOver = true;
    const status = error.code === "EPIPE" ? STATUS_READER_GONE : STATUS_FAILED;
    if (status === STATUS_FAILED) onLost(error);
    // What is cancelled now says so, and a program that a signal ended would not.
    process.stderr.write = () => true;
    // Whoever has something to clean up knows how to from SIGTERM; its status is not the one wanted here.
    if (process.listenerCount("SIGTERM") === 0) process.exit(status);
    process.on("exit", () => (process.exitCode = status));
    process.emit("SIGTERM");
  };
  process.stdout.on("error", onError);
  process.stderr.on("error", onError);
}
