import fs from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isSystemError } from './systemErrors.ts';

/** A new file that is written from its start to its end. */
export interface WritableFile {
  /** Appends all of the bytes. */
  write(bytes: Uint8Array): Promise<void>;
  /** Resolves once what was written would survive a power cut. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** What writing to disk needs of the operating system: small enough for a test to make every single call fail. */
export interface FileSystem {
  /** An empty file under this name, whatever was there before. */
  createFile(file: string): Promise<WritableFile>;
  /** With its parents; no error where it exists. */
  makeDirectory(dir: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** A file or a folder with all that is in it; no error where it does not exist. */
  remove(target: string): Promise<void>;
  /** Makes creations and renames in a folder survive a power cut, where the platform can do that. */
  syncDirectory(dir: string): Promise<void>;
  /** Names in a folder; none where it does not exist. */
  list(dir: string): Promise<string[]>;
  /** Bytes that this user may still write to the disk of a folder; null where the platform doesn't say. */
  freeBytes(dir: string): Promise<number | null>;
}

export const nodeFileSystem: FileSystem = {
  async createFile(file) {
    const handle = await fs.open(file, 'w');
    return {
      async write(bytes) {
        for (let done = 0; done < bytes.length;) {
          done += (await handle.write(bytes, done, bytes.length - done)).bytesWritten;
        }
      },
      sync: () => handle.sync(),
      close: () => handle.close(),
    };
  },

  async makeDirectory(dir) {
    await fs.mkdir(dir, { recursive: true });
  },

  async rename(from, to) {
    // On Windows a virus scanner that looks at a new file holds its folder for a moment.
    const attempts = process.platform === 'win32' ? 8 : 1;
    for (let attempt = 1; ; attempt++) {
      try {
        return await fs.rename(from, to);
      } catch (error) {
        const held = isSystemError(error) && ['EPERM', 'EACCES', 'EBUSY'].includes(error.code);
        if (!held || attempt >= attempts) throw error;
        await sleep(25 * 2 ** attempt);
      }
    }
  },

  remove: (target) => fs.rm(target, { recursive: true, force: true, maxRetries: 3 }),

  async syncDirectory(dir) {
    try {
      const handle = await fs.open(dir, 'r');
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    } catch (error) {
      // Windows has no handle of a folder that could be synced, and some network file systems refuse.
      const unsupported = ['EISDIR', 'EPERM', 'EACCES', 'EINVAL', 'ENOTSUP', 'EBADF'];
      if (!isSystemError(error) || !unsupported.includes(error.code)) throw error;
    }
  },

  async list(dir) {
    try {
      return await fs.readdir(dir);
    } catch (error) {
      if (isSystemError(error) && error.code === 'ENOENT') return [];
      throw error;
    }
  },

  async freeBytes(dir) {
    for (let at = path.resolve(dir); ; at = path.dirname(at)) {
      try {
        const { bavail, bsize, blocks } = await fs.statfs(at);
        return blocks === 0 ? null : bavail * bsize; // virtual file systems report a size of nothing
      } catch (error) {
        const missing = isSystemError(error) && error.code === 'ENOENT';
        if (!missing || at === path.dirname(at)) return null;
      }
    }
  },
};
