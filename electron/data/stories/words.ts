/** A hero: the pronouns stay with the name through the whole story. */
export interface Hero {
  readonly name: string;
  readonly they: string;
  readonly them: string;
  readonly their: string;
}

const girl = (name: string): Hero => ({ name, they: 'she', them: 'her', their: 'her' });
const boy = (name: string): Hero => ({ name, they: 'he', them: 'him', their: 'his' });

export const heroes: readonly Hero[] = [
  ...['Anna', 'Mia', 'Lily', 'Rosa', 'Emma', 'Nora', 'Zoe', 'Ivy', 'Ella', 'Ruby'].map(girl),
  ...['Tom', 'Ben', 'Max', 'Leo', 'Sam', 'Finn', 'Jack', 'Noah', 'Oscar', 'Theo'].map(boy),
];

export const animals = ['cat', 'dog', 'bird', 'frog', 'fox', 'mouse', 'rabbit', 'duck', 'bear', 'owl', 'pony', 'goat'];

export const traits = ['little', 'small', 'kind', 'old', 'brown', 'white', 'happy', 'clever', 'quiet', 'funny'];

export const feelings = ['happy', 'proud', 'glad', 'full of joy'];

export const days = [
  'One day',
  'One morning',
  'One sunny day',
  'One cold day',
  'One rainy day',
  'Last week',
  'After lunch',
];

export interface Place {
  readonly name: string;
  /** How one gets there: `went to the park`. */
  readonly hidden: readonly string[];
}

export const places: readonly Place[] = [
  { name: 'the park', hidden: ['under a bench', 'behind a big tree', 'in the tall grass'] },
  { name: 'the garden', hidden: ['under a bush', 'between the flowers', 'behind the gate'] },
  { name: 'the forest', hidden: ['under a big stone', 'in an old tree', 'behind a green bush'] },
  { name: 'the beach', hidden: ['in the sand', 'under a blue boat', 'behind a rock'] },
  { name: 'the farm', hidden: ['in the hay', 'behind the barn', 'under the cart'] },
  { name: 'the lake', hidden: ['in the reeds', 'under the bridge', 'behind a rock'] },
  { name: 'the school', hidden: ['under a chair', 'in a box', 'behind the door'] },
  { name: 'the market', hidden: ['under a table', 'in a basket', 'behind a stall'] },
];

export const colors = ['red', 'blue', 'green', 'yellow', 'white', 'golden'];

export const things = ['ball', 'kite', 'hat', 'book', 'drum', 'cup', 'boat', 'ring', 'bell', 'scarf', 'lamp', 'coin'];

export const foods = [
  'an apple',
  'a cake',
  'some bread',
  'a pear',
  'some cheese',
  'a cookie',
  'some soup',
  'some berries',
];

export const family = ['mother', 'father', 'sister', 'brother', 'grandma', 'grandpa', 'aunt', 'uncle'];

export const lessons = [
  'It is good to have a friend.',
  'It is good to help others.',
  'A friend is better than gold.',
  'It is brave to ask for help.',
  'It is nice to share.',
  'From that day on they were best friends.',
];
