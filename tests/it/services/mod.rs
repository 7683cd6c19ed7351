//! The services, each against the laboratory.

mod synchronizer;
