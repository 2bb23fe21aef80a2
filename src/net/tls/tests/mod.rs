mod keys;
mod names;
mod refusal;
