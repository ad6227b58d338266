cdef int THREADS      # threads that a kernel may start now
