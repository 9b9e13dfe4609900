/** A file that can't be read to its end: damaged, cut off, or not what it seems. The message says why, without its name. */
export class FileError extends Error {}
