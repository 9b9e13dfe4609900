export { removeAside, setAside, takeBack } from './aside.ts';
export { CheckpointError } from './errors.ts';
export { type GlancedCheckpoint, glanceAtCheckpoints } from './glance.ts';
export { isKept, setKept } from './kept.ts';
export { type LatestCheckpoint, latestValid, type RefusedCheckpoint } from './latest.ts';
export { cleanPartials, freeBytes, type ListedCheckpoint, listCheckpoints } from './list.ts';
export { checkpointName, files, type TensorFile } from './names.ts';
export { OpenedCheckpoint, type OpenOptions, openCheckpoint } from './open.ts';
export { prune, type Retention } from './prune.ts';
export {
  type CheckpointContent,
  type Entry,
  type SmallFile,
  type WrittenCheckpoint,
  writeCheckpoint,
} from './write.ts';
