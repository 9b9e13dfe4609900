export { isDataset, type Manifest, readManifest, type SplitName } from './manifest.ts';
export { Dataset, openDataset, type TokenSource } from './reader.ts';
export { ShardWriter } from './writer.ts';
