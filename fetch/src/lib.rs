//! Gets the model file.
