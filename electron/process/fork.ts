import { forkChild } from '../base/child.ts';
import { entryFile } from '../base/paths.ts';
import type { SpawnStudio } from './supervisor.ts';

/** The module that the studio's process runs. */
export const studioEntry = (): string => entryFile('process/main.ts', 'studio.js');

/** The studio as a child process of Node's. */
export const forkStudio: SpawnStudio = (onMessage) => forkChild(studioEntry(), onMessage);
