import { type Child, type ChildExit, forkChild } from '../../base/child.ts';
import { entryFile } from '../../base/paths.ts';
import type { FromEngine, FromJob, Job, ToEngine } from '../../engine/process/messages.ts';

export type EngineExit = ChildExit;

/** An engine process: told to start and to stop. */
export type EngineProcess = Child<ToEngine | Job>;

/** Starts an engine process. There are two ways: a child of Node's, and a utility process of Electron's. */
export type SpawnEngine = (onMessage: (message: FromEngine | FromJob) => void) => EngineProcess;

/** The module that an engine process runs. */
export const engineEntry = (): string => entryFile('engine/process/main.ts', 'engine.js');

/** An engine as a child process of Node's. */
export const forkEngine: SpawnEngine = (onMessage) => forkChild(engineEntry(), onMessage);
